import { add, rope } from "../../src/ops/mod.ts";
import { type OpCase, testOp } from "../harness.ts";
import * as reference from "../../src/reference/rope.ts";

/** Cosines, then sines, of each position. */
function anglesOf(positions: number, rotated: number): number[] {
  return Array.from({ length: positions * rotated }, (_, i) => {
    const [position, k] = [Math.floor(i / rotated), i % rotated];
    const angle = position * 0.7 ** (k % (rotated / 2));
    return k < rotated / 2 ? Math.cos(angle) : Math.sin(angle);
  });
}

function ropeCase(D: number, ROTARY: number): OpCase {
  const [H, position] = [3, [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 5, 6, 0]];
  const T = position.length;
  return {
    name: `rope() of ${ROTARY} of ${D}`,
    given: {
      x: { shape: [T, H * D] },
      zero: { shape: [T, H * D], data: new Float32Array(T * H * D) },
      position: { shape: [T], type: "u32", data: position },
      angles: { shape: [7, ROTARY], data: anglesOf(7, ROTARY), scaled: false },
    },
    build(graph, { x, zero, position, angles }) {
      const copy = add(graph, x!, zero!); // it is written over
      return { y: rope(graph, copy, position!, angles!, D) };
    },
    twin: ({ x, position, angles }) => ({
      y: reference.rope(x!, Uint32Array.from(position!), angles!, { T, H, D, ROTARY, SIGN: 1 }),
    }),
    gradient: { of: "y", by: ["x"] },
  };
}

testOp(ropeCase(16, 16));
testOp(ropeCase(12, 8));
testOp(ropeCase(16, 4));
testOp(ropeCase(80, 20)); // Pythia of 2.8 billion parameters
