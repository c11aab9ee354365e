/**
 * What rewards need beside their settings.
 *
 * @module
 */
import type { Device } from "../gpu/device.ts";

/** What rewards need beside their settings. */
export interface RewardHost {
  /** Where a reward model runs. */
  readonly device?: Device;
  /** Hears what is worth saying, such as that an endpoint is asked again. */
  readonly say?: (line: string) => void;
  /** Waits so many milliseconds. */
  readonly wait?: (milliseconds: number) => Promise<void>;
}
