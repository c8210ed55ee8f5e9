import type { Page } from 'playwright';

/** Chooses in the step Train what these tests train, in place of what is proposed for a small corpus. */
export async function chooseContrastive(page: Page, batchSize: number, epochs: number): Promise<void> {
  await page.getByText('Chosen for this data:').waitFor();
  await page.getByLabel('Training lists').selectOption('mined');
  await page.getByLabel('Start from').selectOption('nano');
  await page.getByLabel('Loss', { exact: true }).selectOption('infonce');
  await page.getByLabel('Epochs').fill(String(epochs));
  await page.getByLabel('Batch size').fill(String(batchSize));
  // All steps, however long this computer takes for them.
  await page.getByRole('radio', { name: /^(one full pass|all \d+ passes)/ }).check();
}
