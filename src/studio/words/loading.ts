import type { GeneratorLoadProgress } from '../../host/generator.ts';
import { bytesText } from './bytes.ts';
import { aboutSeconds } from './time.ts';

const phases: Readonly<Record<GeneratorLoadProgress['phase'], string>> = {
  download: 'fetching the language model',
  read: 'reading the language model',
  compile: 'preparing the graphics processor for the language model',
  check: 'checking the language model',
};

/** How far a language model is: `fetching the language model, 120.0 MB of 340.0 MB, about 2 min left`. */
export function loadingText(progress: GeneratorLoadProgress): string {
  const { phase, share, receivedBytes, totalBytes, secondsLeft } = progress;
  const parts = [phases[phase]];
  if (receivedBytes !== undefined && totalBytes !== undefined) {
    parts.push(`${bytesText(receivedBytes)} of ${bytesText(totalBytes)}`);
  } else if (share !== undefined) parts.push(`${Math.floor(100 * share)} %`);
  if (secondsLeft !== undefined) parts.push(`${aboutSeconds(secondsLeft)} left`);
  return parts.join(', ');
}
