// Compiler settings of the page; TypeScript in components is only stripped, so no preprocessor.
/** @type {import('@sveltejs/vite-plugin-svelte').SvelteConfig} */
export default {};
