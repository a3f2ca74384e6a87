# 처음 실행할 때 필요한 것을 스스로 준비해요. Python 3.11 이상과 make만 있으면 돼요. 하는 일은 모두 make.py에 있어요.
PYTHON ?= python3
PORT ?= 8000
ARGS ?=

.PHONY: help serve site test test-engine check format lock
help site test test-engine check format lock:
	@$(PYTHON) make.py $@ $(ARGS)

serve:
	@$(PYTHON) make.py serve --port $(PORT) $(ARGS)
