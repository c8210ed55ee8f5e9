import { describeOnBrowserGpu } from '../../support/browser/webgpu.ts';
import { followsPyTorch } from './train-in-worker.ts';

describeOnBrowserGpu('the training of a small BERT on WebGPU in Chromium', () => {
  followsPyTorch(8);
});
