import svelte from 'eslint-plugin-svelte';
import globals from 'globals';
import tseslint from 'typescript-eslint';
import ownLookup from './scripts/lint/own-lookup.mjs';

const forBothHosts =
  'This code runs in a browser worker too: what it needs of a host comes in through src/host/contract.ts.';

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', '.retriever-studio/', '**/.venv/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.ts', '**/*.svelte'],
    extends: [...tseslint.configs.strictTypeChecked, ...tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      parserOptions: {
        project: ['./tsconfig.json', './tsconfig.browser.json'],
        tsconfigRootDir: import.meta.dirname,
        extraFileExtensions: ['.svelte'],
      },
    },
    rules: {
      eqeqeq: 'error',
      'object-shorthand': 'error',
      'no-implicit-coercion': 'error',
      // What is stored as JSON must be a type alias to be assignable to Json; elsewhere interfaces are the habit.
      '@typescript-eslint/consistent-type-definitions': 'off',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/prefer-nullish-coalescing': ['error', { ignorePrimitives: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // `array[i] as number` is how a hot loop reads a typed array where the index is known to be in range.
      '@typescript-eslint/non-nullable-type-assertion-style': 'off',
      // A loop over a typed array by index is the fast and the clear form here.
      '@typescript-eslint/prefer-for-of': 'off',
    },
  },
  ...svelte.configs.recommended,
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: {
      parserOptions: { parser: tseslint.parser, extraFileExtensions: ['.svelte'] },
    },
    rules: {
      // Whatever a text of a corpus holds, it is shown and never run.
      'svelte/no-at-html-tags': 'error',
      'svelte/require-each-key': 'error',
      // What is not drawn, such as the objects that lie behind a screen, need not be reactive.
      'svelte/prefer-svelte-reactivity': 'off',
      // Compares with the whole of `let { a, b } = $props()`, of which some are bindable.
      'prefer-const': 'off',
      'svelte/prefer-const': ['error', { destructuring: 'all' }],
    },
  },
  {
    files: ['src/**/*.ts', 'src/**/*.svelte'],
    rules: {
      // What the studio has to say it returns or throws; the command line decides what is printed where.
      'no-console': 'error',
    },
  },
  {
    files: ['src/cli/**/*.ts'],
    ignores: ['src/cli/input-files.ts'],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              regex: 'host/node/(files|model-files|store)\\.ts$',
              allowTypeImports: true,
              message:
                'Open inputs through src/cli/input-files.ts: it sees to it that no output overwrites them.',
            },
          ],
        },
      ],
    },
  },
  {
    files: ['src/**/*.ts', 'src/**/*.svelte'],
    ignores: [
      'src/core/own.ts',
      // The names of tensors are the graphs' own.
      'src/graph/**',
      'src/host/*/runtime*.ts',
      'src/host/browser/webgpu-kernel.ts',
      'src/training/gradient-cache.ts',
    ],
    plugins: { studio: { rules: { 'own-lookup': ownLookup } } },
    rules: { 'studio/own-lookup': 'error' },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/host/node/**', 'src/host/browser/**', 'src/cli/**', 'src/studio/**'],
    rules: {
      'no-restricted-globals': [
        'error',
        ...['process', 'Buffer', 'global', 'require', '__dirname', '__filename', 'setImmediate'].map(
          (name) => ({
            name,
            message: forBothHosts,
          }),
        ),
        ...['window', 'document', 'localStorage', 'navigator'].map((name) => ({
          name,
          message: forBothHosts,
        })),
      ],
    },
  },
  {
    files: ['test/**/*.ts', 'bench/**/*.ts'],
    rules: { '@typescript-eslint/no-non-null-assertion': 'off' },
  },
  {
    files: ['**/*.js', '**/*.mjs', '**/*.cjs'],
    ...tseslint.configs.disableTypeChecked,
    languageOptions: { globals: globals.node },
  },
);
