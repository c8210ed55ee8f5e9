/** Read by Vite, svelte-check and ESLint. Components are written with runes, and in TypeScript. */
export default {
  compilerOptions: { runes: true },
};
