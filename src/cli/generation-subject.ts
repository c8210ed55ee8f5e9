import { asksAboutPassages } from '../generation/subject.ts';
import { InputError } from '../core/errors.ts';
import { promptNamed } from '../pipeline/recipe-prompts.ts';
import { recipeFiles } from './recipe-files.ts';

interface SubjectOptions {
  readonly prompt: readonly string[];
  readonly corpus?: string;
  readonly lists?: string;
}

/** Whether the prompts ask about passages, not about queries. @throws InputError where what they ask about is not given */
export async function asksForPassages({
  prompt: prompts,
  corpus: folder,
  lists,
}: SubjectOptions): Promise<boolean> {
  const opened = await Promise.all(prompts.map((name) => promptNamed(name, recipeFiles)));
  const [first, ...others] = opened;
  const aboutPassages = first !== undefined && asksAboutPassages(first);
  const other = others.find((each) => asksAboutPassages(each) !== aboutPassages);
  if (other !== undefined) {
    throw new InputError(`the prompts ${first?.id ?? ''} and ${other.id} ask about different things`, {
      remedy: 'Use separate commands for prompts about passages and prompts about queries',
    });
  }
  if (aboutPassages ? folder === undefined || lists !== undefined : (folder ?? lists) === undefined) {
    throw new InputError(
      `${first?.id ?? ''} asks about ${aboutPassages ? 'the passages of a corpus' : 'queries, and there are none'}`,
      {
        remedy: aboutPassages
          ? 'Use --corpus, without --lists'
          : 'Use --lists, or --corpus for the judged queries of a split',
      },
    );
  }
  return aboutPassages;
}
