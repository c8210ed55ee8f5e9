import { onePerRequest, severalPerRequest, type QueryKind } from './query-prompts.ts';

const kind: QueryKind = {
  type: 'claims',
  title: 'Claims',
  one: 'a short claim that the passage supports',
  several: 'short claims that the passage supports',
  name: 'Claim',
  rules: 'It is specific, makes a single key point and has fewer than 20 words.',
  solved: 'claim',
};

export const claims = onePerRequest(kind);
export const severalClaims = severalPerRequest(kind);
