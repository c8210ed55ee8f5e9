/** The SHA-256 of bytes, in hexadecimal. Computed off the calling thread; the bytes must not change meanwhile. */
export async function sha256Of(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return hexadecimal(await crypto.subtle.digest('SHA-256', bytes));
}

export function hexadecimal(buffer: ArrayBuffer): string {
  return Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
