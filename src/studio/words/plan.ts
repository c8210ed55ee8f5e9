/** What is said of a planned training. */
import type { PlannedTraining } from '../../pipeline/planner.ts';
import type { ListsChoice } from '../own-recipe.ts';
import { aboutSeconds } from './time.ts';

const count = new Intl.NumberFormat('en');

/** `2,590 train queries, 110,575 judged pairs: 6,899 steps of 16, about 6 h on this computer.` */
export function planText(planned: PlannedTraining, lists: ListsChoice['kind']): string {
  const { queries, pairs, steps, batchSize, trainings, isTimed, plan } = planned;
  const data =
    lists === 'mined'
      ? `${number(queries, 'train query', 'train queries')}, ${number(pairs, 'judged pair')}`
      : lists === 'extracted'
        ? `About ${number(queries, 'query', 'queries')} cut out of the passages`
        : number(queries, 'training list');
  const each = trainings > 1 ? ` for each of ${trainings} trainings` : '';
  const time = isTimed ? `${aboutSeconds(plan.seconds)} on this computer` : 'its time is not known yet';
  return `${data}: ${number(steps, 'step')} of ${batchSize}${each}, ${time}.`;
}

/** What a budget leaves of it: `97 steps, 1,552 pairs, drawn evenly over queries`. */
export function withinText({ within, steps, batchSize, isTimed }: PlannedTraining): string {
  const { steps: left, seconds, training } = within;
  const time = isTimed ? `, ${aboutSeconds(seconds)}` : '';
  if (left >= steps) return `all ${number(steps, 'step')}${time}`;
  const isEven = training.batches?.rowPer === 'list' || training.batches?.evenRows === true;
  const drawn = isEven ? 'drawn evenly over queries' : 'drawn at random';
  return `${count.format(left)} of ${number(steps, 'step')}, ${number(left * batchSize, 'row')} ${drawn}${time}`;
}

function number(of: number, one: string, several = `${one}s`): string {
  return `${count.format(Math.round(of))} ${of === 1 ? one : several}`;
}
