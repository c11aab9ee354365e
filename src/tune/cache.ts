/**
 * What the tuner found, kept for the runs that follow: a file for each adapter.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { cpus } from "node:os";
import { dirname, join } from "node:path";
import { FileError } from "../errors.ts";
import { type Device, type DeviceOptions, openDevice, type Tuned } from "../gpu/device.ts";
import { hasIdleCore, Precompiler } from "../gpu/precompiler.ts";
import { cacheFolder } from "../io/cache.ts";
import { exists, isObject, readJsonObject, writeJson } from "../io/files.ts";
import { makeFolder } from "../io/folders.ts";
import { productTexts } from "../ops/product_texts.ts";
import { productClass } from "./products.ts";
import type { Tuning } from "./tune.ts";

/** Tiles by class of products. */
type Tiles = Readonly<Record<string, string>>;

/** Says something to people. */
type Say = (line: string) => void;

/**
 * A device whose products take the tiles that were measured on it. Without a file, or with one that
 * is damaged or of another adapter or other kernels, they take the defaults.
 *
 * @throws {GpuError} as {@linkcode openDevice}.
 */
export async function openTuned(options: DeviceOptions = {}, say: Say = () => {}): Promise<Device> {
  const device = await openDevice(options);
  if (options.gpu === undefined && hasIdleCore()) Precompiler.attach(device);
  useTiles(device, readTiles(device, tilesFile(device), say));
  return device;
}

/** The file of an adapter. */
export function tilesFile(device: Device): string {
  const name = sha256(JSON.stringify(identityOf(device))).slice(0, 16);
  return join(cacheFolder(), "tiles", `${name}.json`);
}

/** The tiles of a file, none where it cannot be used. */
export function readTiles(device: Device, path: string, say: Say): Tiles {
  try {
    if (!exists(path)) return {};
    const { of, tiles } = readJsonObject(path);
    if (JSON.stringify(of) !== JSON.stringify(identityOf(device))) {
      throw new FileError(`${path} is of another adapter or version of the kernels`);
    }
    if (isTiles(tiles)) return tiles;
    throw new FileError(`${path} holds no tiles`);
  } catch (fault) {
    if (fault instanceof Deno.errors.NotCapable) return {}; // a program that may read no files
    if (!(fault instanceof FileError)) throw fault;
    say(`tuning: ${fault.message}; products take the default tiles, deno task tune measures anew`);
    return {};
  }
}

const isTiles = (value: unknown): value is Tiles =>
  isObject(value) && Object.values(value).every((tile) => typeof tile === "string");

/** Adds to a file what was found. */
export function keepTiles(device: Device, path: string, found: readonly Tuning[]): Tiles {
  const tiles = { ...readTiles(device, path, () => {}), ...tilesOf(device, found) };
  makeFolder(dirname(path));
  writeJson(path, { of: identityOf(device), tiles });
  return tiles;
}

function tilesOf(device: Device, found: readonly Tuning[]): Tiles {
  return Object.fromEntries(
    found.map(({ product, chosen }) => [productClass(device, product), chosen]),
  );
}

/** Has products take tiles from now on. */
export function useTiles(device: Device, tiles: Tiles): void {
  const tuned: Tuned = (product) => tiles[productClass(device, product)];
  device.tuned = tuned;
}

/**
 * All that decides which tile is fastest, as far as a confined program is told: not the driver's
 * version, nor what the processor can do beyond the width that software Vulkan names itself by.
 */
function identityOf({ gpu, adapter, software }: Device): Record<string, string | number> {
  const { vendor, architecture, device, description } = gpu.adapterInfo;
  return {
    adapter: [adapter, vendor, architecture, device, description].join(" | "),
    ...(software && { processor: cpus()[0]?.model ?? "", cores: cpus().length }),
    deno: Deno.version.deno,
    system: `${Deno.build.os} ${Deno.build.arch}`,
    kernels: sha256(productTexts().join("\n")),
  };
}

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
