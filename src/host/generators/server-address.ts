/** The address of an OpenAI-compatible server: what it must look like, and why there may be no answer. */
import { InputError } from '../../core/errors.ts';

const example = 'as in http://127.0.0.1:8000/v1';

/**
 * The base address without a slash at its end. A server's bare address gets the usual /v1, and the address of one of
 * its calls loses what is behind the base.
 * @param pageOrigin of the page where this runs in one
 * @throws InputError, which repeats no password
 */
export function baseAddress(address: string, pageOrigin?: string): string {
  const url = parseUrl(address.trim());
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new InputError(`the address "${address.replace(/\/\/[^/]*@/, '//')}" is not an http(s) address`, {
      remedy: `Use an address ${example}`,
    });
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw new InputError(`the address of ${url.host} contains a user, a password, "?" or "#"`, {
      remedy: `Use the bare address, ${example}, and pass the key separately`,
    });
  }
  if (pageOrigin?.startsWith('https:') === true && url.protocol === 'http:' && !isThisMachine(url.hostname)) {
    throw new InputError('a page loaded over https cannot use an http address', {
      file: url.origin,
      remedy: 'Use an https address, run the server on this machine, or start the studio on this machine',
    });
  }
  const path = url.pathname.replace(/\/+$/, '').replace(/\/(chat\/completions|completions|models)$/, '');
  return `${url.origin}${path === '' ? '/v1' : path}`;
}

/** The error for a server that does not respond at all. */
export function unreachable(base: string, pageOrigin: string | undefined, reason: string): InputError {
  const started = 'Re-run when the server is running, or fix its address and port';
  return pageOrigin === undefined
    ? new InputError(`it cannot be reached: ${reason}`, { file: base, remedy: started })
    : new InputError(
        'it cannot be reached, or does not allow requests from this page (CORS); browsers do not report which',
        {
          file: base,
          remedy:
            `${started}; then allow requests from ${pageOrigin}: vLLM --allowed-origins '["${pageOrigin}"]', ` +
            `Ollama OLLAMA_ORIGINS=${pageOrigin}, LM Studio "Enable CORS"; and allow access to the local network if ` +
            'the browser asks',
        },
      );
}

/** Browsers take these for safe without https. */
function isThisMachine(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || host === '[::1]' || host.startsWith('127.');
}

/** Undefined if the text is not an address. (URL.parse requires Node 22.) */
function parseUrl(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}
