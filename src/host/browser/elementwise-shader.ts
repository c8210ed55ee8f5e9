import type { ElementwiseProgram } from '../contract.ts';

export const workgroupSize = 256;

/**
 * The whole shader of a program. Binding 0 holds the scalars and, last, the number of elements; the arrays follow in
 * their order. A thread owns its element alone, so the result does not depend on the order of threads.
 */
export function elementwiseShader({ arrays, scalars, body }: ElementwiseProgram): string {
  const lines = [
    `struct Scalars { ${scalars.map((name) => `${name}: f32, `).join('')}elements: u32 }`,
    '@group(0) @binding(0) var<uniform> scalars: Scalars;',
    ...arrays.map((name, i) => `@group(0) @binding(${i + 1}) var<storage, read_write> ${name}: array<f32>;`),
    `@compute @workgroup_size(${workgroupSize})`,
    'fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {',
    `  let i = id.y * groups.x * ${workgroupSize}u + id.x;`,
    '  if (i >= scalars.elements) { return; }',
    ...scalars.map((name) => `  let ${name} = scalars.${name};`),
    body,
    '}',
  ];
  return lines.join('\n');
}

/** Workgroups for this many elements, within the device limit per dimension. */
export function workgroupsFor(elements: number, mostPerDimension: number): readonly [number, number] {
  const groups = Math.ceil(elements / workgroupSize);
  const x = Math.min(groups, mostPerDimension);
  return [x, Math.ceil(groups / x)];
}
