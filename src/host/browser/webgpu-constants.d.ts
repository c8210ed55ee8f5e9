/** Constants of WebGPU that TypeScript's DOM library declares no values for. */
declare const GPUBufferUsage: Readonly<
  Record<'MAP_READ' | 'COPY_SRC' | 'COPY_DST' | 'UNIFORM' | 'STORAGE', number>
>;
declare const GPUMapMode: Readonly<Record<'READ', number>>;
