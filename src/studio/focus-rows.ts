/** Where the focus goes when a row of a list is gone, or is back. */
import { tick } from 'svelte';

/**
 * Does what takes the row of a button away, and then moves the focus to the same button of the next row; of the one
 * before where there is none after it, and to the screen's heading where no row is left.
 */
export async function takeRowAway(button: HTMLElement, take: () => void): Promise<void> {
  const list = button.closest('ul, ol');
  const row = button.closest('li');
  const at = row === null ? -1 : [...(list?.children ?? [])].indexOf(row);
  take();
  await tick();
  const rows = list?.isConnected === true ? [...list.querySelectorAll<HTMLElement>('[data-kept]')] : [];
  (rows[Math.min(at, rows.length - 1)] ?? document.querySelector('h1'))?.focus();
}

/** Moves the focus to the row of what is there again: to the button that its row has for deleting it. */
export function focusKept(id: string): void {
  const rows = [...document.querySelectorAll<HTMLElement>('[data-kept]')];
  (rows.find(({ dataset }) => dataset.kept === id) ?? document.querySelector('h1'))?.focus();
}
