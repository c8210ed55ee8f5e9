/** SHA-256 in hex; a text is hashed as UTF-8. Web Crypto, which every host has. */
export async function sha256(data: string | ArrayBufferView<ArrayBuffer>): Promise<string> {
  const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data;
  const digest = await crypto.subtle.digest('SHA-256', bytes);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
