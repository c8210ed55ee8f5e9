import { own } from '../../core/own.ts';
import { download, MemorySink, type Download, type KnownFile } from '../download.ts';
import ownFiles from './own-files.json' with { type: 'json' };

/** Size and hash of one of the page's own files, where they are known: of the demo corpus and its encoder. */
export function ownFile(file: string): Required<Pick<KnownFile, 'size' | 'sha256'>> | undefined {
  return own<{ readonly size: number; readonly sha256: string }>(ownFiles, file);
}

/** Where the page's own server does not answer. */
export const unreachableRemedy =
  'Restore the connection to the server of this page (restart it if it has stopped), then try again';

/**
 * Fetches one of the page's own files, whole and as it was built, or not at all.
 * @throws StatusError; ConnectionError when it failed too often; InputError if its bytes are others
 */
export function fetchOwnFile({
  url,
  ...options
}: { readonly url: URL } & Pick<Download, 'file' | 'onProgress' | 'retryMs' | 'stallMs'>): Promise<
  Uint8Array<ArrayBuffer>
> {
  let isFirst = true;
  const request = (_: number, signal: AbortSignal): Promise<Response> => {
    // What the browser has kept of it may be what is damaged.
    const cache = isFirst ? 'default' : 'reload';
    isFirst = false;
    return fetch(url, { signal, cache });
  };
  const remedies = {
    unreachable: unreachableRemedy,
    damaged: 'Reload the page; if that does not help, replace the file on the server of this page',
  };
  const known = ownFile(options.file);
  const listedBy = 'the page';
  return download(
    { ...options, known, listedBy, host: url.host, request, remedies },
    new MemorySink(known?.size),
  );
}
