/** Written in by the build: the version of package.json. */
declare const __STUDIO_VERSION__: string;

/** Put into the page by the build. */
declare module '*.css';
