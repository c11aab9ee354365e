// muon_gram: the Gram matrix of the short side of a matrix
//
//   g[i, j] = sum over l of u[i, l] u[j, l]           TALL: sum over l of u[l, i] u[l, j]
//
//   u  [R, L], TALL [L, R]  read        g  [R, R]  write
//
// Dispatch: R * R / 4 invocations, four numbers of a row each. R % 4 == 0, L % 4 == 0, L < 4 * 65,535.
// Twin: src/reference/muon.ts
override R: u32;
override L: u32;
override TALL: bool;

@group(0) @binding(0) var<storage, read> u: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> g: array<vec4f>;

fn tall(l: u32, i: u32, j: u32) -> vec4f {
  return u[(l * R + i) / 4][i % 4] * u[l * R / 4 + j];
}

fn wide(l: u32, i: u32, j: u32) -> vec4f {
  let a = u[i * L / 4 + l];
  let b = 4 * j * L / 4 + l;
  return vec4f(dot(a, u[b]), dot(a, u[b + L / 4]), dot(a, u[b + L / 2]), dot(a, u[b + 3 * L / 4]));
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.x + id.y * groups.x * 64;
  if (index >= R * R / 4) { return; }
  let i = index / (R / 4);
  let j = index % (R / 4);
  var sum = vec4f(0);
  for (var l = 0u; l < L / 4; l++) {
    if (TALL) {
      sum += tall(4 * l, i, j) + tall(4 * l + 1, i, j) + tall(4 * l + 2, i, j) + tall(4 * l + 3, i, j);
    } else {
      sum += wide(l, i, j);
    }
  }
  g[index] = sum;
}
