import { onePerRequest, severalPerRequest, type QueryKind } from './query-prompts.ts';

const kind: QueryKind = {
  type: 'questions',
  title: 'Questions',
  one: 'a question that the passage answers',
  several: 'questions that the passage answers',
  name: 'Question',
  rules: 'It sounds like something a person would ask and has fewer than 20 words.',
  solved: 'question',
};

export const questions = onePerRequest(kind);
export const severalQuestions = severalPerRequest(kind);
