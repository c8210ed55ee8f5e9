/** What vitest.config.ts hands on to the tests in a browser. */
interface ImportMeta {
  readonly env: Readonly<Record<'STUDIO_DATA', string>>;
}
