# The bot alone: no torch, no vLLM.
FROM python:3.11-slim
WORKDIR /app
COPY requirements requirements
RUN pip install --no-cache-dir --no-deps -r requirements/setup.txt -r requirements/bot.txt
COPY pyproject.toml README.md LICENSE ./
COPY adapters adapters
COPY bot bot
COPY deploy deploy
COPY inference_server inference_server
COPY understudy understudy
RUN pip install --no-cache-dir --no-deps --editable . && useradd --create-home understudy
USER understudy
EXPOSE 8080
CMD ["understudy", "bot", "--port", "8080"]
