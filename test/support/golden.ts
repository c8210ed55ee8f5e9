/** Not written as one expression: Vite would take it for a file to carry along. */
const here = import.meta.url;

/** Where a committed golden file lies: on the disk in Node, on the server of the tests in a browser. */
export function goldenFile(path: string): URL {
  return new URL(`../golden/${path}`, here);
}
