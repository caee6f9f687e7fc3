//! Where the facts of the table are from: what providers and standards document, and what was recorded of real servers.

pub(super) const OPENAI: &str = "https://platform.openai.com/docs/guides/error-codes";
pub(super) const ANTHROPIC: &str = "https://docs.anthropic.com/en/api/errors";
pub(super) const GEMINI: &str = "https://ai.google.dev/gemini-api/docs/troubleshooting";
pub(super) const GEMINI_RATES: &str = "https://ai.google.dev/gemini-api/docs/rate-limits";
pub(super) const AZURE: &str = "https://learn.microsoft.com/azure/ai-services/openai/quotas-limits";
pub(super) const AZURE_FILTER: &str =
    "https://learn.microsoft.com/azure/ai-services/openai/concepts/content-filter";
pub(super) const BEDROCK: &str =
    "https://docs.aws.amazon.com/bedrock/latest/userguide/troubleshooting-api-error-codes.html";
pub(super) const DEEPSEEK: &str = "https://api-docs.deepseek.com/quick_start/error_codes";
pub(super) const GROQ: &str = "https://console.groq.com/docs/errors";
pub(super) const OPENROUTER: &str = "https://openrouter.ai/docs/api-reference/errors";
pub(super) const XAI: &str = "https://github.com/continuedev/continue/issues/10373";
pub(super) const MISTRAL: &str = "https://github.com/continuedev/continue/issues/6185";
pub(super) const KIMI: &str = "https://www.kimi.com/code/docs/en/kimi-code/error-reference.html";
pub(super) const DASHSCOPE: &str = "https://help.aliyun.com/en/model-studio/error-code";
pub(super) const ZHIPU: &str = "https://docs.bigmodel.cn/cn/api/api-code";
pub(super) const VOLCENGINE: &str = "https://www.volcengine.com/docs/82379/1299023";
pub(super) const TOGETHER: &str = "https://docs.together.ai/docs/error-codes";
pub(super) const LITELLM: &str = "recorded of LiteLLM 1.80.5";
pub(super) const LITELLM_DOCS: &str = "https://docs.litellm.ai/docs/exception_mapping";
pub(super) const LLAMA: &str = "recorded of llama-server";
pub(super) const OLLAMA: &str = "https://docs.ollama.com/faq";
pub(super) const TGI: &str = "https://github.com/huggingface/text-generation-inference/issues/439";
pub(super) const VLLM: &str =
    "https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html";
pub(super) const CLOUDFLARE_5XX: &str = "https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/";
pub(super) const CLOUDFLARE_1XXX: &str = "https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-1xxx-errors/";
pub(super) const CLOUDFLARE_CHALLENGE: &str = "https://developers.cloudflare.com/cloudflare-challenges/challenge-types/challenge-pages/detect-response/";
pub(super) const AWS_WAF: &str = "https://docs.aws.amazon.com/waf/latest/developerguide/waf-captcha-and-challenge-how-it-works.html";
pub(super) const CLOUDFRONT: &str = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/troubleshooting-response-errors.html";
pub(super) const ELB: &str = "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html";
pub(super) const FASTLY: &str =
    "https://www.fastly.com/documentation/guides/full-site-delivery/debugging/common-503-errors/";
pub(super) const VERCEL: &str = "https://vercel.com/docs/errors";
pub(super) const DATADOME: &str = "https://docs.datadome.co/";
pub(super) const AKAMAI: &str = "https://techdocs.akamai.com/";
pub(super) const NGINX: &str = "https://nginx.org/en/docs/http/ngx_http_ssl_module.html#errors";
pub(super) const ENVOY: &str = "https://www.envoyproxy.io/docs/envoy/latest/faq/overview";
pub(super) const S3: &str = "https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html";
pub(super) const AZURE_BLOB: &str =
    "https://learn.microsoft.com/rest/api/storageservices/common-rest-api-error-codes";
pub(super) const SQUID: &str = "https://wiki.squid-cache.org/Features/CustomErrors";
pub(super) const WISPR: &str = "WISPr 1.0, Wi-Fi Alliance";
pub(super) const RFC_6585: &str = "https://www.rfc-editor.org/rfc/rfc6585";
pub(super) const RFC_7725: &str = "https://www.rfc-editor.org/rfc/rfc7725";
pub(super) const RFC_9110: &str = "https://www.rfc-editor.org/rfc/rfc9110";
pub(super) const RFC_9113: &str = "https://www.rfc-editor.org/rfc/rfc9113";
pub(super) const RFC_8446: &str = "https://www.rfc-editor.org/rfc/rfc8446";
pub(super) const RFC_5280: &str = "https://www.rfc-editor.org/rfc/rfc5280";
pub(super) const RFC_1918: &str = "https://www.rfc-editor.org/rfc/rfc1918";
pub(super) const RFC_1035: &str = "https://www.rfc-editor.org/rfc/rfc1035";
pub(super) const RFC_9293: &str = "https://www.rfc-editor.org/rfc/rfc9293";
pub(super) const ERRNO: &str = "https://man7.org/linux/man-pages/man3/errno.3.html";
