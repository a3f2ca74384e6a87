# 처음 실행할 때 필요한 것을 스스로 준비해요. Python 3.11 이상과 make만 있으면 돼요.
PYTHON ?= python3
PORT ?= 8000
ARGS ?=
export NO_MKDOCS_2_WARNING := 1

.PHONY: help serve site test lock
help:
	@echo "make serve   사이트를 이 컴퓨터(127.0.0.1)에서 열어요. 글을 저장하면 바로 보여요."
	@echo "make test    모든 코드와 주장을 다시 실행해서 확인해요."
	@echo "make site    정적 사이트를 site/에 만들어요."
	@echo "make lock    pyproject.toml을 고친 뒤 requirements/의 버전을 다시 정해요."

serve:
	@$(PYTHON) tools/setup_env.py site
	@.venv-site/bin/python -m mundap serve --port $(PORT)

site:
	@$(PYTHON) tools/setup_env.py site
	@.venv-site/bin/python -m mundap site

test:
	@$(PYTHON) tools/setup_env.py test
	@.venv/bin/python -m pytest -n 2 --dist worksteal $(ARGS)

lock:
	@$(PYTHON) tools/setup_env.py test
	@.venv/bin/python tools/lock.py
