import { formatList, readLists } from '../../../src/corpus/lists.ts';
import { jsonLineMutation, lineMutations, repeatMutation, tokenMutation } from '../mutate.ts';
import { collect, jsonLines, mustEqual, source, textSource, type FuzzFormat } from '../format.ts';

function listFormat(name: string, what: string, lists: readonly object[]): FuzzFormat {
  return {
    name,
    what,
    readers: ['src/corpus/lists.ts', 'src/corpus/json-record.ts', 'src/corpus/lines.ts'],
    examples: [jsonLines(lists)],
    mutations: [...lineMutations, tokenMutation, repeatMutation, jsonLineMutation],
    read: async (input) => {
      const lists = await collect(readLists(source('lists.jsonl', input)));
      const lines = lists.flatMap((list) => formatList(list, 'studio')).join('\n');
      const again = await collect(readLists(textSource('again.jsonl', lines)));
      mustEqual(again, lists, 'lists that were read, written and read again');
    },
  };
}

export const listFormats: readonly FuzzFormat[] = [
  listFormat('lists-studio', "training lists, the studio's own", [
    {
      query_id: '1',
      query: 'q',
      query_type: 'claims',
      answers: ['x'],
      origin: 'mined',
      documents: [
        { id: 'a', text: 'x', label: 1, source: 'gold', rank: 2, verdicts: { rule: 'kept' } },
        {
          id: 'b',
          text: 'y',
          label: 0,
          teacher: 0.5,
          teacher_raw: 3,
          guide: 0.1,
          source: 'bm25',
          ranks: { bm25: 3 },
        },
        { id: 'c', text: 'z', model_label: 0.5, hand_label: 0, source: 'given', prompt: 'p' },
      ],
    },
    { query_id: 2, query: 'r', documents: [{ id: 7, text: 'x' }] },
  ]),
  listFormat('lists-sentence-transformers', 'training lists for sentence-transformers', [
    { anchor: 'q', positive: 'p', negative: 'n' },
    { anchor: 'q', positive: 'p', negative_1: 'n', negative_2: 'm', label: [1, 0.5, 0] },
    { query: 'q', positive: ['p', 'o'], negative: ['n'], scores: [1, 0.5, 0] },
  ]),
  listFormat('lists-tevatron', 'training lists for Tevatron', [
    {
      query_id: '2',
      query: 'q',
      positive_passages: [{ docid: 'a', title: 't', text: 'p' }],
      negative_passages: [{ docid: 'b', text: 'n' }],
    },
    {
      query_id: 3,
      query: 'r',
      positive_passages: [],
      negative_passages: [{ docid: 4, title: '', text: 'n' }],
    },
  ]),
  listFormat('lists-flagembedding', 'training lists for FlagEmbedding', [
    { query: 'q', pos: ['p'], neg: ['n', 'm'] },
    { query: 'r', pos: ['p'], neg: ['n', 'm'], pos_scores: [1], neg_scores: [0, -2.5], prompt: '' },
  ]),
];
