import { it } from 'vitest';
import { measureStep } from '../../src/studio/demo-rate.ts';

it('x', async () => {
  for (let i=0;i<4;i++){ const t = performance.now();
  console.log(await measureStep({ now: () => performance.now() }), performance.now() - t);}
});
