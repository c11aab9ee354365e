/**
 * Kernels: WGSL text to pipelines. A kernel is a real WGSL file that varies only by `override`
 * constants, by `alias` lines that a caller may replace, and by `#import name` lines.
 *
 * @module
 */
import { GpuError } from "../errors.ts";
import { tell } from "../progress.ts";
import type { Device } from "./device.ts";

/** A WGSL text under its file name in `kernels/`, without the ending. */
export interface Text {
  readonly name: string;
  readonly text: string;
}

/** A text with everything it needs to become a module. */
export interface Kernel extends Text {
  /** What each `#import name` line stands for; an unknown name throws. */
  readonly imports?: Readonly<Record<string, Text>>;
  /** New right-hand sides of `alias name = type;` lines. */
  readonly aliases?: Readonly<Record<string, string>>;
}

/** Values of `override` constants; undefined: as the kernel has it. */
export type Constants = Readonly<Record<string, number | boolean | undefined>>;

/** The constants that have a value, as WebGPU takes them. */
export const numbersOf = (constants: Constants): Record<string, number> =>
  Object.fromEntries(
    Object.entries(constants).filter(([, v]) => v !== undefined).map(([k, v]) => [k, Number(v)]),
  );

interface Line {
  readonly file: string;
  readonly line: number;
}

/** Module text with imports and aliases in place, and where each of its lines was written. */
export interface Resolved {
  readonly code: string;
  readonly lines: readonly Line[];
}

const IMPORT = /^#import (\w+)\s*$/;
const ALIAS = /^alias (\w+) = [^;]+;/;

/**
 * Puts imports and aliases in place. A text that is imported twice is put in once.
 *
 * @throws {GpuError} for an unknown import, or an alias that no text declares.
 */
export function resolve(kernel: Kernel): Resolved {
  const code: string[] = [];
  const lines: Line[] = [];
  const seen = new Set<string>();
  const unused = new Set(Object.keys(kernel.aliases ?? {}));
  const include = ({ name, text }: Text) => {
    if (seen.has(name)) return;
    seen.add(name);
    for (const [index, line] of text.split("\n").entries()) {
      const imported = IMPORT.exec(line)?.[1];
      if (imported !== undefined) {
        const piece = kernel.imports?.[imported];
        if (!piece) {
          throw new GpuError(`kernels/${name}.wgsl:${index + 1}: unknown #import ${imported}`);
        }
        include(piece);
        continue;
      }
      const alias = ALIAS.exec(line)?.[1];
      const type = alias === undefined ? undefined : kernel.aliases?.[alias];
      if (type !== undefined) unused.delete(alias!);
      code.push(type === undefined ? line : `alias ${alias} = ${type};`);
      lines.push({ file: `kernels/${name}.wgsl`, line: index + 1 });
    }
  };
  include(kernel);
  for (const alias of unused) {
    throw new GpuError(`kernels/${kernel.name}.wgsl has no alias ${alias}`);
  }
  return { code: code.join("\n"), lines };
}

const WRITTEN = /@group\(0\) @binding\((\d+)\) var<storage, read_write> \w+: (.*);/g;

/** The bindings of group 0 that a kernel declares as `read_write`. */
export function writtenBindings(kernel: Kernel): number[] {
  return [...resolve(kernel).code.matchAll(WRITTEN)].map(([, binding]) => Number(binding));
}

/** Those of them that hold real numbers. */
export function writtenFloats(kernel: Kernel): number[] {
  return [...resolve(kernel).code.matchAll(WRITTEN)]
    .filter(([, , type]) => !/\b([ui]32|atomic|vec\d[ui])\b/.test(type!))
    .map(([, binding]) => Number(binding));
}

const ofDevice = new WeakMap<Device, Pipelines>();

/** Compiles kernels, once for each text and set of constants. */
export class Pipelines {
  /** The pipelines that everyone who works with a device shares. */
  static of(device: Device): Pipelines {
    const shared = ofDevice.get(device) ?? new Pipelines(device);
    ofDevice.set(device, shared);
    return shared;
  }

  readonly #device: Device;
  readonly #modules = new Map<string, Promise<GPUShaderModule>>();
  readonly #pipelines = new Map<string, Promise<GPUComputePipeline>>();

  constructor(device: Device) {
    this.#device = device;
  }

  /** Distinct pipelines so far. */
  get size(): number {
    return this.#pipelines.size;
  }

  /**
   * @throws {GpuError} with the compiler's message under the file and line where it was written.
   */
  get(kernel: Kernel, constants: Constants): Promise<GPUComputePipeline> {
    const resolved = resolve(kernel);
    const key = JSON.stringify(constants) + resolved.code;
    let pipeline = this.#pipelines.get(key);
    if (!pipeline) this.#pipelines.set(key, pipeline = this.#compile(kernel, resolved, constants));
    return pipeline;
  }

  /** The pipelines of some kernels, compiled beside each other. */
  async all(
    wanted: readonly { readonly kernel: Kernel; readonly constants: Constants }[],
  ): Promise<GPUComputePipeline[]> {
    const known = new Set(this.#pipelines.values());
    const compiling = wanted.map(({ kernel, constants }) => this.get(kernel, constants));
    const fresh = new Set(compiling).difference(known);
    let done = 0;
    const count = () => tell("compiling kernels", ++done, fresh.size);
    for (const each of fresh) each.then(count, () => {/* thrown below */});
    return await Promise.all(compiling);
  }

  async #compile(kernel: Kernel, resolved: Resolved, constants: Constants) {
    let module = this.#modules.get(resolved.code);
    if (!module) this.#modules.set(resolved.code, module = this.#module(kernel, resolved));
    const { gpu } = this.#device;
    const values = numbersOf(constants);
    try {
      return await gpu.createComputePipelineAsync({
        label: kernel.name,
        layout: "auto",
        compute: { module: await module, entryPoint: "main", constants: values },
      });
    } catch (cause) {
      if (cause instanceof GpuError) throw cause;
      const { message } = cause as Error;
      throw new GpuError(`kernels/${kernel.name}.wgsl with ${JSON.stringify(values)}: ${message}`, {
        cause,
      });
    }
  }

  async #module(kernel: Kernel, { code, lines }: Resolved): Promise<GPUShaderModule> {
    const { gpu } = this.#device;
    gpu.pushErrorScope("validation");
    const module = gpu.createShaderModule({ label: kernel.name, code });
    const scope = gpu.popErrorScope();
    const { messages } = await module.getCompilationInfo();
    const error = messages.find((message) => message.type === "error");
    const invalid = await scope;
    if (error) {
      const at = lines[error.lineNum - 1] ?? { file: `kernels/${kernel.name}.wgsl`, line: 0 };
      throw new GpuError(`${at.file}:${at.line}:${error.linePos}: ${summarise(error.message)}`);
    }
    if (invalid) throw new GpuError(`kernels/${kernel.name}.wgsl: ${invalid.message}`);
    return module;
  }
}

/** A compiler's message on one line, without its excerpt, whose line numbers count imports in. */
function summarise(message: string): string {
  const lines = message.trim().split("\n").map((line) => line.trim());
  const notes = lines.filter((line) => line.startsWith("= ")).map((line) => line.slice(2));
  return [lines[0]!.replace(/^Shader .*?error: /, ""), ...notes].join("; ");
}
