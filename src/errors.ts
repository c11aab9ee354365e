/**
 * The few errors of our own, beside `TypeError`, `RangeError` and `SyntaxError`. A message is one
 * sentence without a final period: what was found, what was wanted, and where (file, line, key or
 * tensor).
 *
 * @module
 */

/** Bad usage or a bad configuration. The command line exits with 2. */
export class ConfigError extends Error {
  /** Name of the class. */
  override name = "ConfigError";
}

/** A file that is missing, damaged, unsupported or in the way. The command line exits with 1. */
export class FileError extends Error {
  /** Name of the class. */
  override name = "FileError";
}

/** Work that was asked to end early, by `stoppable` or a signal. The command line exits with 130. */
export class StoppedError extends Error {
  /** Name of the class. */
  override name = "StoppedError";
}

/** The GPU refused something or was lost. The command line exits with 1. */
export class GpuError extends Error {
  /** Name of the class. */
  override name = "GpuError";
}

/** The device was lost: nothing that it held can be read any more. The command line exits with 1. */
export class DeviceLost extends GpuError {
  /** Name of the class. */
  override name = "DeviceLost";
}

/** The device has no room for what was to be allocated. The command line exits with 1. */
export class OutOfMemory extends GpuError {
  /** Name of the class. */
  override name = "OutOfMemory";
}
