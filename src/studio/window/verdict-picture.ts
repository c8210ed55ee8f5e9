import { capitalized } from '../../core/capitalized.ts';
import type { RecipeReport } from '../../pipeline/report.ts';
import { queryChanges, verdict } from '../words/verdict.ts';

const size = { width: 1200, height: 630, margin: 64 } as const;
const colors = {
  paper: '#faf9f6',
  ink: '#1d2127',
  soft: '#555a62',
  better: '#1c6638',
  same: '#b5b1a6',
  worse: '#9c2c25',
};

/** A picture of a report's verdict, with a strip for each arm, as a PNG of 1200 × 630 pixels. */
export async function drawVerdict(report: RecipeReport): Promise<Uint8Array<ArrayBuffer>> {
  const canvas = new OffscreenCanvas(size.width, size.height);
  const context = canvas.getContext('2d');
  if (context === null) throw new Error('The browser cannot draw pictures. Use another browser.');
  context.fillStyle = colors.paper;
  context.fillRect(0, 0, size.width, size.height);
  const text = (words: string, y: number, font: string, color: string): void => {
    context.font = font;
    context.fillStyle = color;
    context.fillText(words, size.margin, y, size.width - 2 * size.margin);
  };
  text('Retriever Studio', 84, '600 28px sans-serif', colors.soft);
  let y = 150;
  context.font = '600 40px serif';
  for (const line of wrapped(context, verdict(report) ?? report.recipe.name)) {
    text(line, y, '600 40px serif', colors.ink);
    y += 52;
  }
  const metric = report.recipe.evaluation.measures[0] ?? '';
  for (const { name } of report.arms.slice(0, 3)) {
    const changes = queryChanges(report, name, metric);
    const countOf = (change: 'better' | 'same' | 'worse'): number =>
      changes.filter((each) => each.change === change).length;
    const counts = { better: countOf('better'), same: countOf('same'), worse: countOf('worse') };
    text(
      `${capitalized(name)}: ${counts.better} better, ${counts.same} the same, ${counts.worse} worse`,
      (y += 40),
      '26px sans-serif',
      colors.ink,
    );
    y += 14;
    let x: number = size.margin;
    for (const change of ['better', 'same', 'worse'] as const) {
      const width = ((size.width - 2 * size.margin) * counts[change]) / Math.max(1, changes.length);
      context.fillStyle = colors[change];
      context.fillRect(x, y, width, 34);
      x += width;
    }
    y += 42;
  }
  text(
    `${report.results.all.queries} test questions, ${report.corpus.passages} passages, trained in a browser tab`,
    size.height - 44,
    '24px sans-serif',
    colors.soft,
  );
  const blob = await canvas.convertToBlob({ type: 'image/png' });
  return new Uint8Array(await blob.arrayBuffer());
}

/** Lines that fit the picture's width. */
function wrapped(context: OffscreenCanvasRenderingContext2D, words: string): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of words.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line !== '' && context.measureText(longer).width > size.width - 2 * size.margin) {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  return line === '' ? lines : [...lines, line];
}
