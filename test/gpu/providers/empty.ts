/** A module that brings no WebGPU. */
export const create = "nothing";
