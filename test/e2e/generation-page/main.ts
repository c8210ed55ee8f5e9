/** Hands what a page needs of language models to the test that opens it. */
import { openBrowserGenerator, webllmModels } from '../../../src/host/browser/generators/open-generator.ts';

export interface GenerationPage {
  readonly openBrowserGenerator: typeof openBrowserGenerator;
  readonly webllmModels: typeof webllmModels;
}

Object.assign(globalThis, { openBrowserGenerator, webllmModels } satisfies GenerationPage);
