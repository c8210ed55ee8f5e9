import { describe, expect, it } from 'vitest';
import { nodeClock } from '../../src/host/node/clock.ts';
import type { RecipeEvent } from '../../src/pipeline/job.ts';
import { withOverrides } from '../../src/pipeline/overrides.ts';
import type { Stage } from '../../src/pipeline/stage.ts';
import { TimeLeft, timeRangeText } from '../../src/pipeline/time-left.ts';
import { recipePlace } from '../support/recipe-place.ts';
import { oneArm, smallRecipe } from '../support/small-recipe.ts';

const place = recipePlace();

/** Runs a recipe with a clock on which some stages take so many seconds longer. */
async function watched(
  slower: (label: string, kind: string) => number,
): Promise<{ readonly planned: number; readonly events: readonly RecipeEvent[] }> {
  let ahead = 0;
  /** Milliseconds that pass after the clock is read next. */
  let waiting = 0;
  const now = (): number => {
    const time = nodeClock.now() + ahead;
    ahead += waiting;
    waiting = 0;
    return time;
  };
  const events: RecipeEvent[] = [];
  const job = await place.open(
    withOverrides(smallRecipe(place.corpus), [...oneArm('ready'), 'seeds=[1,2,3]']),
    {
      clock: { now },
      onEvent: (event) => {
        events.push(event);
        if (event.kind === 'stage' && event.state === 'started')
          waiting = 1000 * slower(event.stage.label, event.stage.kind);
      },
    },
  );
  const { seconds } = await job.plan();
  await job.run();
  return { planned: seconds, events };
}

const finished = (events: readonly RecipeEvent[], label: string): number =>
  events.findIndex(
    (event) => event.kind === 'stage' && event.state === 'finished' && event.stage.label === label,
  );

describe('the time that is left of a job', () => {
  it('is not made longer by a stage of another kind that took long', async () => {
    // By then enough has been measured, all of trainings.
    const { events } = await watched((label) => (label === 'text lengths' ? 300 : 0));
    const at = finished(events, 'text lengths');
    const [before, after] = [events[at - 1], events[at]].map((event) => event?.secondsLeft.expected ?? NaN);
    expect(after).toBeGreaterThan(0);
    expect(after).toBeLessThanOrEqual(before ?? NaN);
  });

  it('is at most three times the plan, however slow the first training was', async () => {
    const { planned, events } = await watched((label) => (label === 'training of a, seed 1' ? 3600 : 0));
    const at = finished(events, 'training of a, seed 2');
    const { expected } = events[at]?.secondsLeft ?? { expected: NaN };
    expect(expected).toBeGreaterThan(0);
    expect(expected).toBeLessThanOrEqual(3 * planned);
  });

  it('is a range, which ends at nothing', async () => {
    const { events } = await watched(() => 0);
    for (const { secondsLeft } of events) {
      expect(secondsLeft.least).toBeLessThanOrEqual(secondsLeft.expected);
      expect(secondsLeft.most).toBeGreaterThanOrEqual(secondsLeft.expected);
    }
    const [first, last] = [events.find(({ stage }) => stage.kind !== 'rates'), events.at(-1)];
    const { least = NaN, most = NaN } = first?.secondsLeft ?? {};
    expect(most).toBeGreaterThan(1.5 * least);
    expect(last?.secondsLeft).toEqual({ expected: 0, least: 0, most: 0 });
  });
});

it('is shorter for trainings that run at once, and no shorter than the longest of them', () => {
  const training = (key: string, seconds: number) => ({
    ...{ kind: 'training', label: key, key, cost: 'training', stored: false, seconds },
    steps: { count: 10, seconds },
  });
  const expectedOf = (trainingsAtOnce: number, ...seconds: number[]): number => {
    const left = new TimeLeft();
    const stages = seconds.map((each, i) => training(`${i}`, each));
    left.expect({ stages, trainingsAtOnce });
    const stage = { key: '0', kind: 'training', label: '0' } as Stage;
    return left.after({ kind: 'stage', stage, state: 'started' }).expected;
  };
  expect(expectedOf(1, 60, 60, 60, 60)).toBe(240);
  expect(expectedOf(2, 60, 60, 60, 60)).toBe(120);
  expect(expectedOf(4, 60, 200, 60, 60)).toBe(200);
});

it.each([
  [0, 0.4, 'less than 1 s'],
  [3.4, 7.2, '3 to 8 s'],
  [41, 88, '40 to 90 s'],
  [20, 100, 'up to 2 min'],
  [370, 700, '6 to 12 min'],
  [5000, 9900, '1 to 3 h'],
  [7300, 10_700, '2 to 3 h'],
  [40_000, 90_000, '11 to 25 h'],
  [600, 600, 'about 10 min'],
])('%d to %d seconds are told as people do', (least, most, text) => {
  expect(timeRangeText({ least, most })).toBe(text);
});
