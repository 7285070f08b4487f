"use strict";

// Addresses are relative, so that the page also works behind a proxy that adds a prefix.
window.ui = SwaggerUIBundle({
  url: "docs-json",
  dom_id: "#viewer",
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  tryItOutEnabled: true,
  persistAuthorization: false, // an API key does not outlive the page
  validatorUrl: null, // the document is not sent to anybody
});
