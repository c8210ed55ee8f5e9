/** SHA-256 in hex; a text is hashed as UTF-8. Web Crypto, which every host has; bytes must not change meanwhile. */
export function sha256(data: string | ArrayBufferView<ArrayBuffer>): Promise<string> {
  return digest('SHA-256', typeof data === 'string' ? new TextEncoder().encode(data) : data);
}

/** A hash in hex, of a text as UTF-8 and the bytes after it. */
export async function digest(
  algorithm: 'SHA-1' | 'SHA-256',
  data: ArrayBufferView<ArrayBuffer>,
  before = '',
): Promise<string> {
  let bytes = data;
  if (before !== '') {
    const head = new TextEncoder().encode(before);
    const whole = new Uint8Array(head.length + data.byteLength);
    whole.set(head);
    whole.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), head.length);
    bytes = whole;
  }
  const hashed = await crypto.subtle.digest(algorithm, bytes);
  return Array.from(new Uint8Array(hashed), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
