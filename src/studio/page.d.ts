/** Written in by the build: the version of package.json. */
declare const __STUDIO_VERSION__: string;

/** Put into the page by the build. */
declare module '*.css';

/** Of the build: modules whose paths fit a pattern, each loaded when it is asked for. */
interface ImportMeta {
  glob<T>(
    pattern: string | readonly string[],
    options: { readonly import: 'default'; readonly query?: '?raw' },
  ): Readonly<Record<string, () => Promise<T>>>;
  /** Part of the module that asks. */
  glob<T>(
    pattern: string | readonly string[],
    options: { readonly import: 'default'; readonly eager: true },
  ): Readonly<Record<string, T>>;
}
