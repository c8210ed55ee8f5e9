import type { Page } from 'playwright';

export interface FakeWorkerOptions {
  /** Whether `run` answers at once. Otherwise it is held in the middle of two trainings. */
  readonly finishes: boolean;
  /** What a run tells before it does anything else. */
  readonly events?: readonly unknown[];
}

/**
 * Puts a worker in the page that answers with what it is given, and trains nothing; `globalThis.asked` has the
 * questions, `globalThis.answers` what it answers. To be called before the page is opened.
 */
export async function installFakeWorker(
  page: Page,
  answers: Readonly<Record<string, unknown>>,
  { finishes, events = [] }: FakeWorkerOptions,
): Promise<void> {
  await page.addInitScript(
    ({ answers, finishes, events }) => {
      interface Question {
        readonly id: number;
        readonly call?: string;
        readonly ask?: { readonly runId?: string; readonly watch?: string; readonly query?: string };
      }
      const asked: Pick<Question, 'call' | 'ask'>[] = [];
      class FakeWorker extends EventTarget {
        postMessage({ id, call, ask }: Question): void {
          // Without a call, something is to stop.
          if (call === undefined || ask === undefined) return;
          asked.push({ call, ask });
          const tell = (data: unknown): void =>
            void this.dispatchEvent(new MessageEvent('message', { data }));
          const event = (event: unknown): void =>
            tell({ kind: 'event', event: { kind: 'run', runId: ask.runId, event } });
          setTimeout(() => {
            const open = (own: object): void => {
              event({ kind: 'opened', opened: { ...(answers.openRun as object), ...own } });
            };
            const training = (arm: string) => ({
              kind: 'training',
              label: `training of ${arm}, seed 1`,
              key: arm,
              arm,
              seed: 1,
            });
            /** What both students find for a watched query. */
            const show = (query: string, isReversed: boolean): void => {
              for (const [arm, shift] of [
                ['contrastive', 0],
                ['listwise', 2],
              ] as const) {
                const passages = Array.from({ length: 10 }, (_, i) => {
                  const number = shift + (isReversed ? 9 - i : i);
                  return {
                    ...{ id: `p${number}`, rank: i + 1, rankBefore: i === 3 ? 9 : i + 1 + (i % 2) },
                    ...{ score: 1 / (i + 1), grade: i < 4 ? i : undefined },
                    text: `Passage ${number} of the corpus, long enough to take more than one line of a list.`,
                  };
                });
                const view = { step: 5, query, passages, point: [shift, shift], dev: 0.5 };
                event({ kind: 'view', stage: training(arm), view });
              }
            };
            if (call === 'watch') show(ask.query ?? '', ask.query === 'another');
            if (call === 'run' && finishes) open({});
            if (call === 'run') for (const told of events) event(told);
            if (call === 'run' && !finishes) {
              const stages = ['contrastive', 'listwise'].map((arm) => ({
                ...training(arm),
                stored: false,
                seconds: 20,
              }));
              open({
                plan: {
                  stages,
                  seconds: 40,
                  trainingsAtOnce: 2,
                  memory: { bytes: 1, availableBytes: 2 },
                  disk: { keptBytes: 1, peakBytes: 2 },
                },
              });
              const left = (expected: number) => ({ expected, least: expected / 1.5, most: expected * 1.5 });
              for (const [arm, steps] of [
                ['contrastive', 9],
                ['listwise', 5],
              ] as const) {
                const stage = training(arm);
                event({ kind: 'stage', stage, state: 'started', secondsLeft: left(40) });
                for (let step = 1; step <= steps; step++) {
                  const report = { kind: 'step', step, totalSteps: 18, loss: 2 / step };
                  event({ kind: 'training', stage, event: report, secondsLeft: left(40 - step) });
                }
              }
              const { watch } = ask;
              if (watch !== undefined) {
                const ids = Array.from({ length: 60 }, (_, i) => `${i % 2 === 0 ? 'bees' : 'bread'}-${i}`);
                const points = ids.flatMap((_, i) => [i % 7, (i % 2) * 4 + (i % 5)]);
                event({
                  kind: 'scene',
                  scene: { ids, points, dev: { queries: 50, keywords: 0.5, untrained: 0.4 } },
                });
                show(watch, false);
              }
              const values = { ndcg_cut_10: 0.5 };
              const evaluation = { kind: 'evaluation', step: 6, values, isBest: true };
              event({
                kind: 'training',
                stage: training('contrastive'),
                event: evaluation,
                secondsLeft: left(30),
              });
              return;
            }
            if (call === 'pause') event({ kind: 'paused' });
            if (call === 'resume') event({ kind: 'resumed' });
            tell({ kind: 'answer', id, answer: answers[call] ?? null });
          });
        }

        terminate(): void {
          // Nothing runs here.
        }
      }
      Object.assign(globalThis, { Worker: FakeWorker, asked, answers });
    },
    { answers, finishes, events },
  );
}
