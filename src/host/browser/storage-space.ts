/** Errors for a browser that cannot store more data. */
import { messageOf, ResourceError } from '../../core/errors.ts';

/**
 * Runs a task that stores something; a used-up quota or a database that fails becomes a ResourceError that says what
 * to do. The task itself ensures that nothing is left half written.
 * @param bytes size of the data, if known
 */
export async function explainStorageErrors<T>(bytes: number | undefined, task: () => Promise<T>): Promise<T> {
  try {
    return await task();
  } catch (error) {
    if (isQuotaError(error)) throw await quotaError(bytes, error);
    if (error instanceof DOMException && BROKEN_DATABASE.has(error.name)) {
      throw new ResourceError(`the browser's storage failed (${error.name}: ${messageOf(error)})`, {
        remedy: 'Free disk space and restart the browser, then resume; nothing was changed',
        cause: error,
      });
    }
    throw error;
  }
}

/** Firefox has its own name for a full disk. */
export function isQuotaError(error: unknown): boolean {
  return (
    error instanceof DOMException && /^(QuotaExceededError|NS_ERROR_FILE_NO_DEVICE_SPACE)$/.test(error.name)
  );
}

/** The message of IndexedDB when the disk fails. */
const BROKEN_DATABASE = new Set(['UnknownError', 'DataError', 'NotReadableError', 'TimeoutError']);

async function quotaError(bytes: number | undefined, cause: unknown): Promise<ResourceError> {
  const { usage } = await navigator.storage.estimate();
  const figures = [
    ...(bytes === undefined ? [] : [`${megabytes(bytes)} needed`]),
    ...(usage === undefined ? [] : [`${megabytes(usage)} used`]),
  ];
  return new ResourceError(`the browser's storage for this page is full: ${figures.join(', ')}`, {
    remedy:
      'Remove experiments or models that you no longer need, or free disk space, then resume; nothing was changed',
    cause,
  });
}

/** Rounded up: a task that needs 0.01 MB does not need 0. */
function megabytes(bytes: number): string {
  return `${(Math.ceil(bytes / 1e5) / 10).toLocaleString('en-US')} MB`;
}
