/**
 * Stands for `node:fs` in tests that run in a browser: reads the project's files from the server of the tests, at
 * once, as the helpers of the tests do in Node.
 */
export function readFileSync(file: URL, encoding?: 'utf8'): Uint8Array<ArrayBuffer> | string {
  const request = new XMLHttpRequest();
  request.open('GET', file.pathname, false);
  // One character for each byte: a page may not ask for bytes at once, only for text.
  request.overrideMimeType('text/plain; charset=x-user-defined');
  request.send();
  if (request.status !== 200) throw new Error(`${file.pathname}: ${request.status}`);
  const text = request.responseText;
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i) & 255;
  return encoding === undefined ? bytes : new TextDecoder().decode(bytes);
}
