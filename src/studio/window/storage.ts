/**
 * Asks the browser not to delete what is kept when the disk is full. It decides, perhaps by asking the user; nothing
 * depends on it.
 */
export async function persistStorage(): Promise<void> {
  await navigator.storage.persist().catch(() => false);
}
