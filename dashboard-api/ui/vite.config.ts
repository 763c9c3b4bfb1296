// How the page is built: into dist/ with hashed names, nothing inlined (the page's Content Security
// Policy is `default-src 'self'`), nothing fetched from elsewhere. `npm run dev` serves the sources
// and passes /api on to a running tapscope on 127.0.0.1:$PORT (default 8080).
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

const target = `http://127.0.0.1:${process.env['PORT'] ?? '8080'}`;
const proxy = { '/api': { target, changeOrigin: true } };

export default defineConfig({
  base: './',
  plugins: [svelte()],
  build: {
    outDir: 'dist',
    // dist/placeholder.html is committed and must survive; clean.mjs removes what a build makes.
    emptyOutDir: false,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: 'es2022',
  },
  server: { host: '127.0.0.1', proxy },
  preview: { host: '127.0.0.1', proxy },
  test: { include: ['src/**/*.test.ts'], environment: 'node' },
});
