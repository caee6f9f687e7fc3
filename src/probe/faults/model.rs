//! The model that was asked for is not there, or not there any more.

use super::source::{
    AZURE, BEDROCK, DASHSCOPE, GEMINI, GROQ, LITELLM, MISTRAL, OLLAMA, OPENAI, OPENROUTER, VLLM,
    XAI,
};
use super::{ANY, Example, Group, Row, When, json, ours, reply};
use crate::model::FailureKind as Kind;

const ANOTHER: &str = "Name another `model`; the provider's list of models says which there are.";

pub(super) const GROUP: Group = Group {
    title: "The model is gone",
    about: "The service is up and does not know the model (any more), or does not let this key use it. Not an outage: the name in probes.toml is what must change.",
    rows: &[
        Row {
            when: When {
                status: &[200..=499],
                words: &[
                    "model_decommissioned",
                    "model_deprecated",
                    "deprecated_model",
                    "model_retired",
                ],
                says: &[
                    "has been decommissioned",
                    "has been deprecated",
                    "has been retired",
                    "reached the end of its life",
                    "is no longer available",
                    "marked by provider as legacy",
                ],
                besides: &["model"],
                ..ANY
            },
            outcome: ours(Kind::ModelRetired),
            means: "The provider has retired the model.",
            act: ANOTHER,
            sources: &[GROQ, OPENAI, BEDROCK],
            examples: &[
                json(
                    400,
                    r#"{"error":{"message":"The model `mixtral-8x7b-32768` has been decommissioned and is no longer supported.","type":"invalid_request_error","code":"model_decommissioned"}}"#,
                ),
                json(
                    404,
                    r#"{"error":{"message":"The model `text-davinci-003` has been deprecated, learn more here","type":"invalid_request_error","param":null,"code":"model_not_found"}}"#,
                ),
                json(
                    404,
                    r#"{"error":{"code":404,"status":"NOT_FOUND","message":"This model models/gemini-1.0-pro is no longer available."}}"#,
                ),
                reply(
                    404,
                    &[
                        ("x-amzn-errortype", "ResourceNotFoundException"),
                        ("content-type", "application/json"),
                    ],
                    r#"{"message":"This model version has reached the end of its life."}"#,
                ),
            ],
        },
        Row {
            when: When {
                status: &[200..=499],
                says: &[
                    "must be verified to use the model",
                    "organization must be verified",
                ],
                ..ANY
            },
            outcome: ours(Kind::Forbidden),
            means: "OpenAI gives this model only to organizations that it has verified.",
            act: "Verify the organization in the provider's settings, or name another `model`.",
            sources: &[OPENAI],
            examples: &[
                json(
                    404,
                    r#"{"error":{"message":"Your organization must be verified to use the model `o3`.","type":"invalid_request_error","code":"model_not_found"}}"#,
                ),
                json(
                    403,
                    r#"{"error":{"message":"Your organization must be verified to generate reasoning summaries.","type":"invalid_request_error","code":null}}"#,
                ),
            ],
        },
        Row {
            when: When {
                words: &[
                    "model_not_found",
                    "invalid_model",
                    "modelnotfound",
                    "deploymentnotfound",
                    "model_not_supported",
                    "model_not_available",
                ],
                says: &[
                    "does not exist or you do not have access",
                    "does not exist or your team",
                    "deployment for this resource does not exist",
                ],
                ..ANY
            },
            outcome: ours(Kind::ModelRetired),
            means: "The model (at Azure: the deployment) does not exist, or this key may not use it.",
            act: ANOTHER,
            sources: &[OPENAI, AZURE, MISTRAL, XAI],
            examples: &[
                json(
                    404,
                    r#"{"error":{"message":"The model `gpt-9` does not exist or you do not have access to it.","type":"invalid_request_error","param":null,"code":"model_not_found"}}"#,
                ),
                json(
                    404,
                    r#"{"error":{"code":"DeploymentNotFound","message":"The API deployment for this resource does not exist."}}"#,
                ),
                json(
                    400,
                    r#"{"object":"error","message":"Invalid model: x","type":"invalid_model","param":null,"code":"1500"}"#,
                ),
                json(
                    404,
                    r#"{"code":"Some requested entity was not found","error":"The model grok-0 does not exist or your team t does not have access to it."}"#,
                ),
                json(
                    404,
                    r#"{"code":"ModelNotFound","message":"Model not found"}"#,
                ),
                json(
                    400,
                    r#"{"error":{"message":"m","type":"invalid_request_error","code":"model_not_found"}}"#,
                ),
                Example::Inside(r#"{"error":{"message":"m","code":"model_not_found"}}"#),
            ],
        },
        Row {
            when: When {
                status: &[200..=299, 400..=404],
                says: &[
                    "is not found for api version",
                    "publisher model",
                    "try pulling it",
                    "invalid model name passed in model",
                    "you passed in model=",
                    "is not a valid model id",
                    "no endpoints found for",
                    "no allowed providers are available",
                    "model not exist",
                    "the provided model identifier is invalid",
                    "make sure the correct model id was used",
                ],
                ..ANY
            },
            outcome: ours(Kind::ModelRetired),
            means: "The model's name is not known (Gemini, Vertex, Ollama, LiteLLM, OpenRouter, DeepSeek, Bedrock).",
            act: "Name another `model`; for Ollama, `ollama pull` it.",
            sources: &[GEMINI, OLLAMA, LITELLM, OPENROUTER],
            examples: &[
                json(
                    404,
                    r#"{"error":{"code":404,"message":"models/gemini-9 is not found for API version v1beta, or is not supported for generateContent.","status":"NOT_FOUND"}}"#,
                ),
                json(
                    404,
                    r#"{"error":{"code":404,"message":"Publisher Model `projects/p/models/x` was not found or your project does not have access to it.","status":"NOT_FOUND"}}"#,
                ),
                json(
                    404,
                    r#"{"error":"model \"llama9\" not found, try pulling it first"}"#,
                ),
                json(
                    400,
                    r#"{"error":{"message":"{'error': '/chat/completions: Invalid model name passed in model=nope. Call `/v1/models` to view available models for your key.'}","type":"None","param":"None","code":"400"}}"#,
                ),
                json(
                    400,
                    r#"{"error":{"message":"litellm.BadRequestError: You passed in model=m. There are no healthy deployments for this model. Received Model Group=m\nAvailable Model Group Fallbacks=None","type":null,"param":null,"code":"400"}}"#,
                ),
                json(
                    404,
                    r#"{"error":{"message":"No endpoints found for x/y.","code":404}}"#,
                ),
                json(
                    400,
                    r#"{"error":{"message":"Model Not Exist","type":"invalid_request_error","param":null,"code":"invalid_request_error"}}"#,
                ),
            ],
        },
        Row {
            when: When {
                status: &[400..=400, 404..=404],
                words: &[
                    "notfounderror",
                    "not_found_error",
                    "not_found",
                    "api_error",
                    "resource_not_found_error",
                ],
                besides: &["model"],
                ..ANY
            },
            outcome: ours(Kind::ModelRetired),
            means: "Not found, and the message speaks of the model (vLLM, Anthropic, Ollama, Kimi).",
            act: ANOTHER,
            sources: &[VLLM, DASHSCOPE],
            examples: &[
                json(
                    404,
                    r#"{"object":"error","message":"The model `m` does not exist.","type":"NotFoundError","param":null,"code":404}"#,
                ),
                json(
                    404,
                    r#"{"type":"error","error":{"type":"not_found_error","message":"model: claude-0"}}"#,
                ),
                json(
                    404,
                    r#"{"error":{"message":"model 'llama9' not found","type":"api_error","param":null,"code":null}}"#,
                ),
            ],
        },
    ],
};
