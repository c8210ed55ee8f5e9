/** The files of WebLLM's models, of which its list of models says nothing: where they lie, and their size. */

/** Where WebLLM keeps files: weights with tokenizers, descriptions, programs. */
export const webllmCaches = ['webllm/model', 'webllm/config', 'webllm/wasm'];

/** Milliseconds: it is for the user's information alone. */
const deadline = 10_000;

/**
 * The bytes of a model's weights, from the table of contents next to them; model library and tokenizer add a few
 * MB. No weights are fetched.
 * @param model address of the model as in WebLLM's records: with or without the `resolve/BRANCH` of the hub
 * @returns undefined where the host does not answer, or has no such table
 */
export async function sizeOfWebllm(model: string): Promise<number | undefined> {
  try {
    const url = new URL('tensor-cache.json', filesOf(model));
    const response = await fetch(url, { signal: AbortSignal.timeout(deadline) });
    return response.ok ? shardBytes(await response.json()) : undefined;
  } catch {
    return undefined;
  }
}

/** The folder of a model's files, as WebLLM reads an address. */
export function filesOf(model: string): string {
  const folder = model.endsWith('/') ? model : `${model}/`;
  return /.\/resolve\/.+\//.test(folder) ? folder : `${folder}resolve/main/`;
}

function shardBytes(contents: unknown): number | undefined {
  const { records } = contents as { readonly records?: unknown };
  if (!Array.isArray(records) || records.length === 0) return undefined;
  const bytes = records.reduce((sum: number, shard: unknown) => {
    const { nbytes } = shard as { readonly nbytes?: unknown };
    return sum + (typeof nbytes === 'number' ? nbytes : NaN);
  }, 0);
  return Number.isFinite(bytes) ? bytes : undefined;
}
