import { InputError } from '../../core/errors.ts';
import type { DownloadOptions } from '../download.ts';
import { hubEndpoint, type Hub } from '../hub.ts';

export interface HubOptions extends DownloadOptions {
  /** Default: $HF_ENDPOINT, else https://huggingface.co. */
  readonly endpoint?: string | undefined;
  /** Default: $HF_TOKEN. Sent to the endpoint's own origin only, never to where it redirects. */
  readonly token?: string | undefined;
}

const mostRedirects = 5;

/** How Node sends requests to the hub. @throws InputError if the endpoint is not an http(s) address. */
export function openHub({ stallMs, retryMs, signal, ...options }: HubOptions = {}): Hub {
  const endpoint = hubEndpoint(
    options.endpoint ?? (process.env.HF_ENDPOINT || 'https://huggingface.co'),
    'Set HF_ENDPOINT (or --hub of import) to something like https://huggingface.co',
  );
  const token = options.token ?? (process.env.HF_TOKEN || undefined);
  return {
    stallMs,
    retryMs,
    signal,
    endpoint,
    visitor: token === undefined ? 'visitors without a token' : 'the owner of this token',
    remedies: {
      unreachable:
        'Re-run when the connection works (downloads resume), set HF_ENDPOINT to a mirror, or use a local folder',
      damaged:
        'Re-run later; if the problem persists, use another mirror (HF_ENDPOINT) or download the folder manually',
      gated: 'then set HF_TOKEN to a token of that account',
      private: 'Fix the spelling of ORG/NAME and the revision; if it is private, set HF_TOKEN',
      status: 'Fix the endpoint (HF_ENDPOINT)',
    },
    request: async (start, from, ending) => {
      let url = start;
      for (let hop = 0; hop <= mostRedirects; hop++) {
        const isOwn = url.origin === endpoint.origin;
        const headers = {
          'accept-encoding': 'identity',
          ...(from > 0 ? { range: `bytes=${from}-` } : {}),
          ...(isOwn && token !== undefined ? { authorization: `Bearer ${token}` } : {}),
        };
        const response = await fetch(url, { redirect: 'manual', signal: ending, headers });
        const location = response.headers.get('location');
        if (response.status < 300 || response.status >= 400 || location === null) return response;
        await response.body?.cancel();
        const next = parseUrl(location, url);
        if (!next || (next.protocol !== 'https:' && next.protocol !== endpoint.protocol)) {
          throw new InputError(`${url.host} redirects to an insecure address`, {
            remedy: 'Fix the endpoint (HF_ENDPOINT)',
          });
        }
        url = next;
      }
      throw new InputError(`${start.host} redirects too many times`, {
        remedy: 'Fix the endpoint (HF_ENDPOINT)',
      });
    },
  };
}

/** Undefined if the text is not an address. (URL.parse requires Node 22.) */
function parseUrl(text: string, base?: URL): URL | undefined {
  try {
    return new URL(text, base);
  } catch {
    return undefined;
  }
}
