/** f64 twin of scale.wgsl: y = by * x. */
export const scale = (x: Float64Array, by: number): Float64Array => x.map((number) => by * number);
