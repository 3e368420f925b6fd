@echo off
rem Finds Python and runs install.py with it. ASCII alone: cmd reads other text in the code page of the machine.
setlocal
cd /d "%~dp0"
for %%v in (3.14 3.13 3.12 3.11) do (
  py -%%v -c "import sys" >nul 2>nul && ( py -%%v install.py %* & goto end )
)
python -c "import sys; sys.exit(sys.version_info < (3, 11))" >nul 2>nul && ( python install.py %* & goto end )
for %%f in (python-3.*-amd64.exe) do (
  if not defined VIPGATE_PYTHON_TRIED (
    echo Installing Python from %%f for this user ...
    set VIPGATE_PYTHON_TRIED=1
    start /wait "" "%%f" /quiet InstallAllUsers=0 Include_launcher=1 PrependPath=0 Include_test=0
    call "%~f0" %*
    goto end
  )
)
echo No Python 3.11 or newer (64 bit) was found. Put its installer, python-3.13.x-amd64.exe, into this folder
echo and run install.cmd again. The guide opens now.
start "" GUIDE.zh.html
:end
if not defined VIPGATE_NO_PAUSE pause
