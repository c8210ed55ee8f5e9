/** A file that the build carries along, as its address. */
declare module '*?url' {
  const url: string;
  export default url;
}
