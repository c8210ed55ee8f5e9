import { workerScope } from '../../host/browser/worker-scope.ts';
import { sendError } from '../../host/worker-tasks.ts';
import { InputError } from '../../host/errors.ts';
import type { StudioCall, StudioCalls, StudioMessage, StudioRequest } from '../protocol.ts';
import { StudioSession } from './studio-session.ts';

type Answer = StudioCalls[StudioCall]['answer'];

/** Makes this worker a training worker: it answers the page's questions, each with an answer or a refusal. */
export function serveStudio(): void {
  const scope = workerScope<StudioRequest, StudioMessage>();
  let session: Promise<StudioSession> | undefined;

  const open = (request: Extract<StudioRequest, { call: 'open' }>): Promise<StudioSession> =>
    (session ??= StudioSession.open(request.ask.options, {
      event: (runId, event) => scope.postMessage({ kind: 'event', runId, event }),
      warning: (text) => scope.postMessage({ kind: 'warning', text }),
      lost: (error) => scope.postMessage({ kind: 'lost', error: sendError(error) }),
    }));

  setInterval(() => scope.postMessage({ kind: 'alive' }), 5000);
  scope.addEventListener('message', ({ data: request }) => {
    const { id } = request;
    const answered =
      request.call === 'open'
        ? open(request).then(({ compute }) => compute)
        : (session ?? Promise.reject(notOpen())).then((opened) => answer(opened, request));
    answered.then(
      (result) => scope.postMessage({ kind: 'answer', id, answer: result }, buffersOf(result)),
      (error: unknown) => scope.postMessage({ kind: 'refusal', id, error: sendError(error) }),
    );
  });
}

async function answer(
  session: StudioSession,
  request: Exclude<StudioRequest, { call: 'open' }>,
): Promise<Answer> {
  switch (request.call) {
    case 'keep':
      return session.items.keep(request.ask.item);
    case 'kept':
      return session.items.list();
    case 'forgetKept':
      await session.items.forget(request.ask.itemId);
      return null;
    case 'runs':
      return session.runs.list();
    case 'forgetRun':
      await session.runs.forget(request.ask.runId);
      return null;
    case 'openRun':
      return session.openRun(request.ask);
    case 'run':
      return session.run(request.ask);
    case 'pause':
      session.pause(request.ask);
      return null;
    case 'resume':
      session.resume(request.ask);
      return null;
    case 'cancel':
      session.cancel(request.ask);
      return null;
    case 'search':
      return session.search(request.ask);
    case 'exportModel':
      return session.exportModel(request.ask);
    case 'exportGenerations':
      return session.exportGenerations();
  }
}

function notOpen(): InputError {
  return new InputError('the worker is not open', { remedy: 'Open it first' });
}

/** What an answer moves instead of copying. */
function buffersOf(answer: Answer): Transferable[] {
  if (typeof answer !== 'object' || answer === null) return [];
  if ('zip' in answer) return [answer.zip.buffer];
  return 'bytes' in answer && typeof answer.bytes !== 'number' ? [answer.bytes.buffer] : [];
}
