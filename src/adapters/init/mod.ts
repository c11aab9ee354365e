/**
 * The list of initial values, by the names of PEFT's `init_lora_weights`.
 *
 * @module
 */
import { ConfigError } from "../../errors.ts";
import type { AdapterMethod } from "../methods/method.ts";
import { CORDA } from "./corda.ts";
import { startingFrom } from "./difference.ts";
import { EVA } from "./eva.ts";
import type { Init } from "./init.ts";
import { LOFTQ } from "./loftq.ts";
import { OLORA } from "./olora.ts";
import { pissa } from "./pissa.ts";

/** Those with a name alone. */
export const INIT_NAMES = [
  "pissa",
  "olora",
  "loftq",
  "eva",
  "corda_ipm",
  "corda_kpm",
] as const satisfies readonly PlainName[];

/** PiSSA by the fast decomposition, with the number of its iterations. */
export const PISSA_FAST = /^pissa_niter_(\d{1,3})$/;

/** What `adapter.init` may be. */
export type InitName = "pissa" | "olora" | "loftq" | MeasuredName | `pissa_niter_${number}`;

/** Those that are taken from what the modules read of some text. */
export type MeasuredName = "eva" | "corda_ipm" | "corda_kpm";

/** Which text that is. */
export const INIT_TEXTS: Readonly<Record<MeasuredName, "rows" | "retention">> = {
  eva: "rows",
  corda_ipm: "rows",
  corda_kpm: "retention",
};

/** Whether initial values of that name are measured. */
export const isMeasured = (name: InitName | undefined): name is MeasuredName =>
  name !== undefined && name in INIT_TEXTS;

type PlainName = Exclude<InitName, `pissa_niter_${number}`>;

const INITS: Readonly<Record<PlainName, Init>> = {
  pissa: pissa(),
  olora: OLORA,
  loftq: LOFTQ,
  eva: EVA,
  corda_ipm: CORDA,
  corda_kpm: CORDA,
};

function initOf(name: InitName): Init {
  const iterations = PISSA_FAST.exec(name)?.[1];
  return iterations === undefined ? INITS[name as PlainName] : pissa(Number(iterations));
}

/** What initial values stand beside. */
export interface Started {
  readonly init: InitName;
  readonly method: AdapterMethod;
  readonly rslora: boolean;
  readonly dropout: number;
}

/**
 * LoRA with initial values of that name.
 *
 * @throws {ConfigError} beside another method, or dropout where the base is to lose what the adapter
 * starts as.
 */
export function started({ init: name, method, rslora, dropout }: Started): AdapterMethod {
  if (method.name !== "lora") {
    throw new ConfigError(
      `adapter.init: found "${name}" beside adapter.method ${method.name}, ` +
        "wanted lora",
    );
  }
  const init = initOf(name);
  if (init.isOfBase && dropout > 0) {
    throw new ConfigError(
      `adapter.dropout: found ${dropout} beside adapter.init ${name}, which starts as a part of the ` +
        "base that no input may miss, wanted 0",
    );
  }
  return startingFrom(init, rslora);
}
