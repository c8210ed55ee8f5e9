/** What vitest.config.ts hands on to the tests in a browser. */
interface ImportMeta {
  readonly env: Readonly<Record<'LONG_TESTS' | 'STUDIO_DATA', string>>;
}
