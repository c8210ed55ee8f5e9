import { download, MemorySink, type Download } from '../download.ts';

/** Fetches one of the page's own files. @throws StatusError, or ConnectionError when it failed too often */
export function fetchOwnFile({
  url,
  ...options
}: { readonly url: URL } & Pick<Download, 'file' | 'onProgress' | 'retryMs' | 'stallMs'>): Promise<
  Uint8Array<ArrayBuffer>
> {
  const request = (_: number, signal: AbortSignal): Promise<Response> => fetch(url, { signal });
  const remedy = 'Restart the server of this page if it has stopped, then reload the page';
  const remedies = { unreachable: remedy, damaged: remedy };
  return download({ ...options, host: url.host, request, remedies }, new MemorySink());
}
