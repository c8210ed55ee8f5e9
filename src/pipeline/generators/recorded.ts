import { openRecorded } from '../../generation/log-file.ts';
import { textSetting } from '../../core/setting.ts';
import { checkFile } from '../faults.ts';
import { defineGenerator } from '../generator.ts';

/** The log of an earlier generation. Without a log, sources take the ready lists that they name. */
export const recorded = defineGenerator({
  kind: 'recorded',
  title: 'Recorded: replay an earlier generation',
  about:
    'No model runs: recorded replies are replayed. They match only the texts, prompts and seeds with which they were ' +
    'recorded.',
  settings: {
    corpusFile: textSetting({
      title: 'log of the corpus',
      help: 'A log in the corpus folder. Without a log, each source names its recorded lists.',
      wanted: 'a log in the corpus folder',
    }),
    file: textSetting({
      title: 'log',
      help: 'A file; its path is relative to where the command runs.',
      wanted: 'the log of an earlier generation',
      initial: '',
      form: 'first',
    }),
    model: textSetting({
      title: 'model',
      help: 'Model whose replies are used, if the log holds those of several.',
      option: 'model',
      placeholder: 'name',
      wanted: 'the name of a model in the log',
    }),
  },
  named: { by: 'file', prefix: 'recorded:' },
  describe: () => 'recorded, replayed',
  check: ({ corpusFile, file }, path, faults) => {
    if (corpusFile !== undefined || file !== undefined) checkFile({ corpusFile, file }, path, faults);
  },
  recording: ({ corpusFile, file }) => ({ corpusFile, file }),
  open: async ({ corpusFile, file, model }, { openFile }) => {
    return openRecorded(await openFile({ corpusFile, file }), model === undefined ? {} : { model });
  },
});
